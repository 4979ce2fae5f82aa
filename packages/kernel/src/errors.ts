/**
 * What is to be done about something the world caused. Every code has exactly one, decided where the code is defined.
 * - `retry`: nothing has left this process, or sending the same bytes again may help: try again later.
 * - `look`: the outcome is not known. Find out from the chain; never do it again on suspicion.
 * - `refuse`: final. The same thing will be refused for ever.
 * - `hold`: nothing moves until a person has decided.
 */
export type Disposition = "retry" | "look" | "refuse" | "hold";

/**
 * The process cannot do its work until the operator has changed something: a key that does not fit, an account that
 * does not exist. The message says what was found, what is needed, and where to set it.
 */
export class StartupError extends Error {
  override readonly name = "StartupError";
}

/**
 * Another service (a node, an exchange) could not be asked, or gave an answer that cannot be used. Nothing is broken here, and its
 * next answer may be another one.
 */
export class ServiceError extends Error {
  override readonly name: string = "ServiceError";
}
