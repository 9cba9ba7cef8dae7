/** An exchange that knows one answer, in a process of its own: what it costs to answer is not measured. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const BALANCE = JSON.stringify({
  error: [],
  result: {
    ZUSD: "171288.6158",
    ZEUR: "504861.8946",
    ZGBP: "459567.9171",
    XXBT: "1011.1908877900",
    XETH: "818.5500000000",
    USDT: "500000.00000000",
    DAI: "9999.9999999999",
    DOT: "2.5000000000",
    "ETH2.S": "198.3970800000",
    ETH2: "2.5885574330",
    "USD.M": "1213029.2780",
    SOL: "12.3400000000",
  },
});

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(200, {
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": BALANCE.length,
      "cache-control": "max-age=0, must-revalidate, no-cache, no-store",
    });
    response.end(BALANCE);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
