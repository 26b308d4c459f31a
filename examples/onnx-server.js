// Detections over HTTP from an ONNX file that `npx retinanet-ops export MODEL --format onnx --outputs detections` wrote.
// The size is that of the images it was made for.
//   node examples/onnx-server.js detector.onnx 512x384 8080       curl --data-binary @photo.jpg http://127.0.0.1:8080
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import ort from 'onnxruntime-node';
import sharp from 'sharp';

async function detect(session, [width, height], photo) {
  const { autoOrient: size } = await sharp(photo).metadata();
  const scale = Math.min(width / size.width, height / size.height); // the picture in the upper left corner, whole
  const placed = { width, height, fit: 'contain', position: 'left top', kernel: 'linear' };
  const pixels = await sharp(photo).autoOrient().flatten().toColourspace('srgb').resize(placed).raw().toBuffer();
  const image = new ort.Tensor('float32', Float32Array.from(pixels), [1, height, width, 3]);
  const { boxes, scores, labels } = await session.run({ image });
  return Array.from(scores.data, (score, i) => ({
    ...{ label: Number(labels.data[i]), score },
    box: Array.from(boxes.data.subarray(4 * i, 4 * i + 4), (edge) => edge / scale),
  }));
}

const [file, size, port] = process.argv.slice(2);
if (size === undefined) console.log('usage: node examples/onnx-server.js DETECTOR.onnx WIDTHxHEIGHT [PORT]');
else {
  const session = await ort.InferenceSession.create(file);
  const server = createServer(async (request, response) => {
    try {
      response.end(JSON.stringify(await detect(session, size.split('x').map(Number), await buffer(request))));
    } catch (error) {
      response.writeHead(400).end(JSON.stringify({ error: error.message }));
    }
  });
  server.listen(Number(port ?? 8080), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
}
