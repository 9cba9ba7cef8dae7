/** Bare Node: says that it is there. */
require("node:fs").writeSync(3, "{}");
