// What the package's own declarations leave out: it exports what onnxruntime-common does.
declare module 'onnxruntime-node' {
  export * from 'onnxruntime-common';
}
