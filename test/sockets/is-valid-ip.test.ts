// An IP address must be what Tornado takes for one, and nothing else.
import { describe, expect, it } from 'vitest';
import { isValidIp } from '../../lib/netutil';
import { hasTornado, tornado } from './tornado';

describe('isValidIp', () => {
  const samples = [
    '127.0.0.1', '4.4.4.4', '::1', '2620:0:1cfe:face:b00c::3', 'www.google.com', 'localhost',
    '4.4.4.4<', ' 127.0.0.1', '', ' ', '\n', '\x00', '4.4.4.4\x00', 'a'.repeat(100), 'a..b', '127.1', '1',
    '0x7f.1', '256.0.0.1', '127.0.0.1.', '::1%lo', 'fe80::1%lo', 'fe80::1%nowhere', '[::1]', 'münchen.de', '１２７.0.0.1',
  ]; // biome-ignore format: a list of samples

  it('knows an address when it sees one', () => {
    const valid = samples.filter((sample) => isValidIp(sample));
    expect(valid).toEqual(
      expect.arrayContaining(['127.0.0.1', '4.4.4.4', '::1', '2620:0:1cfe:face:b00c::3']),
    );
    expect(valid).not.toContain('');
    expect([isValidIp(null), isValidIp(undefined), isValidIp('4.4.4.4\0')]).toEqual([false, false, false]);
  });

  it.skipIf(!hasTornado)('is of the same opinion as Tornado', () => {
    const theirs = tornado(['is_valid_ip', JSON.stringify(samples)]) as boolean[];
    expect(samples.map((sample) => [sample, isValidIp(sample)])).toEqual(
      samples.map((sample, index) => [sample, theirs[index]]),
    );
  });
});
