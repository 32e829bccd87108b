/** What `prefork test` tells the process of `node --test`. */
export interface Choices {
  preload: string[];
}

/** The variable in which it stands, as JSON. */
export const CHOICES = 'PREFORK_TEST';
