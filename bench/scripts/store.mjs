// The loop of store.rhai in Node with the AWS SDK: 4 KB objects, so many at once, for so long. Prints what it did and what
// CPU it took.
import { randomBytes } from "node:crypto";
import http from "node:http";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const [endpoint, verb, atOnce, seconds] = process.argv.slice(2);
const client = new S3Client({
  endpoint,
  region: "us-east-1",
  forcePathStyle: true,
  maxAttempts: 1,
  // As the other clients: checksums only where an operation requires them, connections kept.
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
  requestHandler: new NodeHttpHandler({ httpAgent: new http.Agent({ keepAlive: true, maxSockets: Number(atOnce) }) }),
});
const Bucket = "snapbench";
const body = randomBytes(4096 + 1000);
const key = () => `snapbench-bench/${Math.floor(Math.random() * 1000)}`;
const put = () => client.send(new PutObjectCommand({ Bucket, Key: key(), Body: body.subarray(0, 4096) }));
const get = async () => (await client.send(new GetObjectCommand({ Bucket, Key: key() }))).Body.transformToByteArray();
const once = verb === "put" ? put : get;

async function play(forMs) {
  const end = performance.now() + forMs;
  let count = 0;
  const worker = async () => {
    while (performance.now() < end) {
      await once();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: Number(atOnce) }, worker));
  return count;
}

await play(1000); // the JIT's warm-up
const [cpu, began] = [process.cpuUsage(), performance.now()];
const count = await play(Number(seconds) * 1000);
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ count, cpu_s: (used.user + used.system) / 1e6, seconds: (performance.now() - began) / 1000 }));
