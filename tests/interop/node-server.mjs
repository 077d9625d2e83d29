// An APNs-like server on Node's own HTTP/2 (nghttp2): neither ours nor the h2 crate's.
//
//   node node-server.mjs CERT KEY BEHAVIOUR
//
// Prints {"listening": PORT}, and on SIGTERM {"processed": N, "twice": N, "sessions": N, …}.
// BEHAVIOUR: ok, goaway (a graceful one after every 200th request), limit (1 stream, 100, 1, 100 …),
// reasons (every third is rejected), latency (50 ms), client-certificate, cut, no-alpn.
import http2 from "node:http2";
import https from "node:https";
import fs from "node:fs";

const [cert, key, behaviour = "ok"] = process.argv.slice(2);
const processed = new Map();
const seen = { sessions: 0, with_token: 0, with_certificate: 0, bad: 0 };
let served = 0;

const options = {
  cert: fs.readFileSync(cert),
  key: fs.readFileSync(key),
  settings: { maxConcurrentStreams: behaviour === "limit" ? 1 : 100 },
  requestCert: behaviour === "client-certificate",
  rejectUnauthorized: false,
};

function valid(headers, body) {
  return (
    headers[":method"] === "POST" &&
    /^\/3\/device\/[0-9a-f]+$/.test(headers[":path"]) &&
    /^[0-9a-f-]{36}$/.test(headers["apns-id"]) &&
    JSON.parse(body).aps !== undefined
  );
}

function answer(stream, headers, body) {
  const id = headers["apns-id"];
  if (!valid(headers, body)) seen.bad += 1;
  if (/^bearer [\w-]+\.[\w-]+\.[\w-]+$/.test(headers.authorization ?? "")) seen.with_token += 1;
  if (stream.session.socket.getPeerCertificate?.()?.subject) seen.with_certificate += 1;
  processed.set(id, (processed.get(id) ?? 0) + 1);
  served += 1;
  if (behaviour === "reasons" && served % 3 === 0) {
    stream.respond({ ":status": 400, "apns-id": id, "content-type": "application/json" });
    stream.end('{"reason":"BadDeviceToken"}');
    return;
  }
  stream.respond({ ":status": 200, "apns-id": id }, { endStream: true });
  if (behaviour === "goaway" && served % 200 === 0) stream.session.close();
  if (behaviour === "limit" && served % 50 === 0) {
    stream.session.settings({ maxConcurrentStreams: (served / 50) % 2 === 0 ? 1 : 100 });
  }
  if (behaviour === "cut" && served % 200 === 0) stream.session.destroy();
}

const server =
  behaviour === "no-alpn"
    ? https.createServer(options, (_, response) => response.end("no HTTP/2 here"))
    : http2.createSecureServer(options);

server.on("session", () => (seen.sessions += 1));
server.on("stream", (stream, headers) => {
  const chunks = [];
  stream.on("error", () => {});
  stream.on("data", (chunk) => chunks.push(chunk));
  stream.on("end", () => {
    const respond = () => !stream.destroyed && answer(stream, headers, Buffer.concat(chunks).toString());
    if (behaviour === "latency") setTimeout(respond, 50);
    else respond();
  });
});
server.on("sessionError", () => {});
server.on("tlsClientError", () => {});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ listening: server.address().port })));

process.on("SIGTERM", () => {
  const twice = [...processed.values()].filter((n) => n > 1).length;
  console.log(JSON.stringify({ processed: processed.size, twice, ...seen }));
  process.exit(0);
});
