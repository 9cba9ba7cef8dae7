/** How busy the endpoint is, for a program that must know when everything that fell due has run. */
export class Activity {
  /** Requests being handled. One that waits for the clock is not at work, or a standing clock would wait for it. */
  inFlight = 0;
  /** Grows at each start and each finish. */
  changes = 0;

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#start();
    try {
      return await work();
    } finally {
      this.#finish();
    }
  }

  readonly waiting = async <T>(work: Promise<T>): Promise<T> => {
    this.#finish();
    try {
      return await work;
    } finally {
      this.#start();
    }
  };

  #start(): void {
    this.inFlight += 1;
    this.changes += 1;
  }

  #finish(): void {
    this.inFlight -= 1;
    this.changes += 1;
  }
}
