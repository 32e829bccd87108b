/** A text that comes from elsewhere, without anything that a terminal or a reader of logs obeys. */
export function printable(text: string): string {
  // Controls of ASCII and Latin 1, marks that turn the direction of writing, ends of lines.
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}
