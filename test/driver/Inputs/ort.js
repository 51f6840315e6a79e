// ort.js PEERS MODEL.onnx INPUTS OUTPUTS: runs a model by the ONNX Runtime in PEERS; INPUTS and OUTPUTS are folders
// with NAME.npy of each tensor, float32 or int64.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
const fs = require('fs');
const path = require('path');
const [peers, model, inputs, outputs] = process.argv.slice(2);
const ort = require(path.join(peers, 'node_modules', 'onnxruntime-node'));

// Version 1 of the format: magic, version, length of the header, a Python dictionary, the elements.
function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const dims = header.match(/'shape': \(([^)]*)\)/)[1].split(',').filter((size) => size.trim()).map(Number);
  const data = bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length);
  return header.includes("'<i8'") ? new ort.Tensor('int64', new BigInt64Array(data), dims)
                                  : new ort.Tensor('float32', new Float32Array(data), dims);
}

function writeNpy(file, tensor) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tensor.dims.join(', ')},), }`;
  header = header.padEnd(117) + '\n';
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  const {buffer, byteOffset, byteLength} = tensor.data;
  fs.writeFileSync(file, Buffer.concat([start, Buffer.from(header), Buffer.from(buffer, byteOffset, byteLength)]));
}

(async () => {
  const session = await ort.InferenceSession.create(model);
  const feeds = {};
  for (const name of session.inputNames)
    feeds[name] = readNpy(path.join(inputs, name + '.npy'));
  const results = await session.run(feeds);
  fs.mkdirSync(outputs, {recursive: true});
  for (const name of session.outputNames)
    writeNpy(path.join(outputs, name + '.npy'), results[name]);
})();
