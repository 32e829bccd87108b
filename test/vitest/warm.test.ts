/** prefork/vitest, warm, in the vitest of this package. */
import { preforkPool } from 'prefork/vitest';
import { expect, test } from 'vitest';
import { OWN } from './installed';
import { testWarm } from './warm';

testWarm(OWN);

test('Option warm is auto or false.', () => {
  expect(() => preforkPool({ warm: true as never })).toThrow("'auto' or false for options.warm");
});
