/** Kraken's door without a socket: for tests in virtual time. Outcomes are told as a socket would tell them. */
import type { Sandbox } from "../../local/sandbox/sandbox.ts";
import { type HttpReply, type HttpTransport, TransportError } from "../../shared/kraken/transport.ts";

export function sandboxTransport(sandbox: Sandbox, onCall: () => void = () => {}): HttpTransport {
  return {
    async send({ method, path, headers, body, signal }): Promise<HttpReply> {
      onCall();
      const gone = new Promise<never>((_, reject) => {
        const end = () => reject(new TransportError("no-answer", "the caller gave up"));
        if (signal.aborted) end();
        else signal.addEventListener("abort", end, { once: true });
      });
      const lower = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      const handled = sandbox.handle({
        method,
        path,
        headers: lower,
        body: Buffer.from(body ?? ""),
        remoteAddress: "127.0.0.1",
      });
      const reply = await Promise.race([handled, gone]);
      if (reply.is === "destroyed") throw new TransportError("no-answer", "the connection was reset");
      if (reply.is === "partial") throw new TransportError("no-answer", "the answer was cut off");
      if (reply.body.length > 5 * 1024 * 1024)
        throw new TransportError("too-large", "the answer was over 5 MB");
      return { status: reply.status, headers: reply.headers, body: reply.body };
    },
    close: async () => {},
  };
}
