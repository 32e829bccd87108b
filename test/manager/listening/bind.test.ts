/** Addresses of the manager are resolved as those of bindSockets. */
import { expect, test, vi } from 'vitest';
import { binding } from '../../../lib/base/binding';
import { bindShared } from '../../../lib/manager/listening/bind';

test('A resolver that fails for the moment is not taken for a host that does not exist.', () => {
  const { EAI_AGAIN = 0 } = binding.socket_constants as unknown as Record<string, number>;
  const resolver = vi.spyOn(binding, 'socket_getaddrinfo').mockReturnValue(Math.abs(EAI_AGAIN));
  const bind = () => bindShared({ kind: 'tcp', host: 'server.example', port: 0 });
  try {
    expect(bind).toThrow(expect.objectContaining({ code: 'EAI_AGAIN', hostname: 'server.example' }));
  } finally {
    resolver.mockRestore();
  }
});
