export { enableWasmTraining } from './wasm-training/index.js';
