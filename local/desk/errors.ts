/** A wish that cannot be followed: the text says what was read and what there is. */
export class DeskError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DeskError";
  }
}

/** A wish that is understood and must not be done: the text says what is missing. */
export class DeskRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DeskRefusal";
  }
}
