/** Loaded before a program: from then on it reaches no other machine. */
import dns from "node:dns";
import net from "node:net";

const connect = net.Socket.prototype.connect as (...args: unknown[]) => net.Socket;

function refuse(where: unknown): never {
  process.stderr.write(`a test went out to ${JSON.stringify(where)}\n`);
  process.exit(99);
}

const isHere = (host: unknown): boolean => /^(127\.\d+\.\d+\.\d+|localhost|::1)$/.test(String(host));

const lookup = dns.lookup as (...args: unknown[]) => void;
Object.assign(dns, {
  lookup: (...args: unknown[]) => (isHere(args[0]) ? lookup(...args) : refuse(args[0])),
});
Object.assign(net.Socket.prototype, {
  connect(this: net.Socket, ...args: unknown[]) {
    const given = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
    const host = typeof given === "object" && given !== null ? (given as { host?: string }).host : args[1];
    if (host !== undefined && !isHere(host)) refuse(host);
    return connect.apply(this, args);
  },
});
