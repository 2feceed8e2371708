// An HTTP client that does as little work as possible: large bodies go over a bare socket, small ones over kept connections.
import { Agent, request } from "node:http";
import { connect } from "node:net";

const MiB = 1024 * 1024;

/** @param {string | URL} url @param {string} method @param {Record<string, string | number>} headers */
function head(url, method, headers) {
  const { host, pathname, search } = new URL(url);
  const fields = Object.entries({ Host: host, Connection: "close", ...headers });
  return `${method} ${pathname}${search} HTTP/1.1\r\n${fields.map((field) => field.join(": ")).join("\r\n")}\r\n\r\n`;
}

/**
 * Sends one request on a new connection, and waits until the server closes it.
 *
 * @param {string} text the request's head
 * @param {string | URL} url
 * @param {{ piece: Buffer, times: number }} [body]
 * @returns {Promise<{ start: string, bytes: number }>} the first bytes of the answer, and the number of all bytes
 */
function exchange(text, url, body) {
  return new Promise((resolve, reject) => {
    let start = "";
    let bytes = 0;
    const onread = {
      buffer: Buffer.allocUnsafeSlow(MiB),
      /** @param {number} count @param {Uint8Array} buffer */
      callback(count, buffer) {
        if (start.length < 1024) start += Buffer.from(buffer.subarray(0, Math.min(count, 4096))).toString("latin1");
        bytes += count;
        return true;
      },
    };
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), onread });
    socket.on("error", reject);
    socket.on("close", () => {
      if (/^HTTP\/1\.1 2/.test(start)) resolve({ start, bytes });
      else reject(new Error(`${url} answered ${start.slice(0, 500)}`));
    });
    socket.write(text);
    let left = body?.times ?? 0;
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(/** @type {Buffer} */ (body?.piece))) return void socket.once("drain", more);
      }
    };
    more();
  });
}

/**
 * Sends `piece` `times` times as one body.
 *
 * @param {string} method @param {string | URL} url @param {{ piece: Buffer, times: number }} body @param {Record<string, string | number>} [headers]
 */
export function send(method, url, body, headers = {}) {
  const length = body.piece.length * body.times;
  return exchange(head(url, method, { "Content-Length": length, ...headers }), url, body);
}

/** Receives a whole body, and only counts its bytes. @param {string | URL} url @param {number} atLeast the least number of bytes */
export async function receive(url, atLeast) {
  const { bytes } = await exchange(head(url, "GET", {}), url);
  if (bytes < atLeast) throw new Error(`${url} gave ${bytes} bytes`);
}

/**
 * Sends one request over a kept connection.
 *
 * @param {Agent} agent @param {string} method @param {string | URL} url @param {Record<string, string | number>} headers @param {Buffer} [body]
 * @returns {Promise<import("node:http").IncomingHttpHeaders>}
 */
export function requestOnce(agent, method, url, headers, body) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        if ((answer.statusCode ?? 500) < 300) resolve(answer.headers);
        else reject(new Error(`${method} ${url} answered ${answer.statusCode}`));
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/**
 * Runs `work` for each number below `count`, `atOnce` at a time, over as many kept connections.
 *
 * @param {number} count @param {number} atOnce @param {(agent: Agent, n: number) => Promise<unknown>} work
 */
export async function runTimes(count, atOnce, work) {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let next = 0;
  const worker = async () => {
    while (next < count) await work(agent, next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  agent.destroy();
}
