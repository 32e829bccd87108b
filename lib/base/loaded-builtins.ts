/** Which of Node's own modules this thread has loaded. What nobody has loaded has nothing that a fork would have to look after. */
import { binding, hasAddon } from './binding';

/** Undocumented, but there since Node 0.2. A sandbox such as Jest's shows a copy that does not grow. */
const owner = (hasAddon ? binding.wait_real_process() : process) as NodeJS.Process & {
  moduleLoadList?: string[];
};

/** By the name of its file in Node's lib/. Where there is no list, it may be. */
export function hasNodeLoaded(name: string): boolean {
  return owner.moduleLoadList?.includes(`NativeModule ${name}`) ?? true;
}
