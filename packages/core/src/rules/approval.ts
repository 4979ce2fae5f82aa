/** Names of people differ by more than capital letters. */
export const isSamePerson = (one: string, other: string): boolean =>
  one.toLowerCase() === other.toLowerCase();
