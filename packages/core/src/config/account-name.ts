import * as z from "zod";

const LABEL = "[a-z](?:[a-z0-9-]*[a-z0-9])?";
const NAME = new RegExp(`^(?=.{1,63}$)${LABEL}(?:\\.${LABEL})*$`, "u");

/** A name that a node accepts: up to 63 characters, labels with dots between them. Whether it exists the chain knows. */
export const accountName = z
  .string({ error: "expected the name of a BitShares account" })
  .regex(NAME, "expected the name of a BitShares account");
