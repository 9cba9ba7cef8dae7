/** When a plan fires. A slot is a planned minute; only slots may fire. */
export type Schedule = { readonly todo: never };
