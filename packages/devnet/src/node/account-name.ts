/** 1–63 characters; labels between single dots begin with a letter and end with a letter or digit. */
export function isValidName(name: string): boolean {
  return (
    name.length >= 1 &&
    name.length <= 63 &&
    name.split(".").every((label) => /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/.test(label))
  );
}

/** A name without a premium: it pays the basic fee only. */
export function isCheapName(name: string): boolean {
  return /[0-9./-]/.test(name) || !/[aeiouy]/.test(name);
}
