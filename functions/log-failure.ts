/** Middleware: one JSON line for an invocation that failed, and the error goes on to Lambda, which delivers again. */
import type { MiddlewareObj } from "@middy/core";
import { logError } from "./log.ts";

export type SayFailure = (name: string, message: string) => void;

export const logFailure = (say: SayFailure = logError): MiddlewareObj => ({
  onError: ({ error }) => {
    // Name and message only: an error object may hold a request.
    const { name, message } = error ?? new Error("unknown");
    say(name, message);
  },
});
