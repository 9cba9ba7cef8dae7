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

/** Something was asked of the functions, and no answer came in time; the text says what to look at. */
export class DeskSilence extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DeskSilence";
  }
}

/** A firing was sent, and what became of it is not known: it may still be bought. */
export class DeskUncertain extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DeskUncertain";
  }
}
