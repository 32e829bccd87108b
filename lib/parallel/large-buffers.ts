/**
 * Values as bytes, as `v8.serialize()` makes them, but for the contents of large buffers: those are written to a file in memory,
 * which whoever unpacks the value maps instead of copying it.
 */
import { writeSync } from 'node:fs';
import { DefaultDeserializer, DefaultSerializer } from 'node:v8';
import { binding } from '../base/binding';
import { check, systemError } from '../base/errors';

/** From here on a mapping costs less than a copy. */
const LARGE = 2 ** 20;
/** Parts of the file begin with a page, whatever its size is here. */
const PAGE = 2 ** 16;

type View = NodeJS.ArrayBufferView;
type ViewMaker = (buffer: ArrayBuffer) => View;

const MAKERS: Record<string, ViewMaker> = {
  Buffer: (buffer) => Buffer.from(buffer),
  Int8Array: (buffer) => new Int8Array(buffer),
  Uint8Array: (buffer) => new Uint8Array(buffer),
  Uint8ClampedArray: (buffer) => new Uint8ClampedArray(buffer),
  Int16Array: (buffer) => new Int16Array(buffer),
  Uint16Array: (buffer) => new Uint16Array(buffer),
  Int32Array: (buffer) => new Int32Array(buffer),
  Uint32Array: (buffer) => new Uint32Array(buffer),
  Float32Array: (buffer) => new Float32Array(buffer),
  Float64Array: (buffer) => new Float64Array(buffer),
  BigInt64Array: (buffer) => new BigInt64Array(buffer),
  BigUint64Array: (buffer) => new BigUint64Array(buffer),
  DataView: (buffer) => new DataView(buffer),
};
const KINDS = Object.keys(MAKERS);

/** As Node has it for those of another context, such as Jest's. */
function kindOf(view: View): number {
  return KINDS.indexOf(Buffer.isBuffer(view) ? 'Buffer' : Object.prototype.toString.call(view).slice(8, -1));
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** An answer, what it is the answer of, and the properties of that. */
const DEPTH = 3;

/** Large ones that are no views. V8 asks about views, wherever they are, and about these not at all. */
function bareBuffers(value: unknown, depth = DEPTH): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  if (isArrayBuffer(value)) return value.byteLength < LARGE ? [] : [value];
  return depth === 0 ? [] : Object.values(value).flatMap((each) => bareBuffers(each, depth - 1));
}

/** A file in memory, for the contents of large buffers. */
export function openBufferFile(): number {
  return check(binding.memory_file('prefork-buffers', true), 'memfd_create');
}

/** Where contents are put. The file is opened when it is first needed. */
class Store {
  fd: number | undefined;
  readonly #open: () => number;
  #size = 0;

  constructor(open: () => number) {
    this.#open = open;
  }

  /** Where they begin. */
  put(bytes: Uint8Array): number {
    this.fd ??= this.#open();
    const offset = this.#size;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at, bytes.length - at, offset + at);
    this.#size = Math.ceil((offset + bytes.length) / PAGE) * PAGE;
    return offset;
  }
}

/** Node's own methods, which its types do not name (lib/v8.js). */
interface HostObjects {
  _writeHostObject(view: View): void;
  _readHostObject(): View;
}

class Packer extends DefaultSerializer {
  readonly #store: Store | undefined;

  constructor(store: Store | undefined, bare: readonly ArrayBuffer[]) {
    super();
    this.#store = store;
    this.writeUint32(bare.length);
    bare.forEach((buffer, id) => {
      this.#put(new Uint8Array(buffer));
      this.transferArrayBuffer(id, buffer);
    });
    this.writeHeader();
  }

  _writeHostObject(view: View): void {
    const kind = this.#store === undefined || view.byteLength < LARGE ? -1 : kindOf(view);
    this.writeUint32(kind + 1);
    if (kind < 0) (DefaultSerializer.prototype as unknown as HostObjects)._writeHostObject.call(this, view);
    else this.#put(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }

  #put(bytes: Uint8Array): void {
    this.writeDouble(this.#store?.put(bytes) ?? 0);
    this.writeDouble(bytes.length);
  }
}

class Unpacker extends DefaultDeserializer {
  readonly #file: () => number;

  constructor(bytes: Buffer, file: () => number) {
    super(bytes);
    this.#file = file;
    const bare = this.readUint32();
    for (let id = 0; id < bare; id++) this.transferArrayBuffer(id, this.#map());
    this.readHeader();
  }

  _readHostObject(): View {
    const make = MAKERS[KINDS[this.readUint32() - 1] ?? ''];
    if (make !== undefined) return make(this.#map());
    return (DefaultDeserializer.prototype as unknown as HostObjects)._readHostObject.call(this);
  }

  #map(): ArrayBuffer {
    const [offset, size] = [this.readDouble(), this.readDouble()];
    const mapped = binding.memory_file_map(this.#file(), offset, size);
    if (typeof mapped === 'number') throw systemError(mapped, 'mmap');
    return mapped;
  }
}

/** A value as bytes; the file with what is large in it, if there is something. */
export interface Packed {
  bytes: Buffer;
  file: number | undefined;
}

/** @throws DataCloneError as structuredClone() does; a file that was opened by then is left to the process, which ends */
export function pack(value: unknown, open: () => number = openBufferFile): Packed {
  const store = new Store(open);
  const packer = new Packer(store, [...new Set(bareBuffers(value))]);
  packer.writeValue(value);
  return { bytes: packer.releaseBuffer(), file: store.fd };
}

/** All of it in bytes, however large. */
export function packWhole(value: unknown): Buffer {
  const packer = new Packer(undefined, []);
  packer.writeValue(value);
  return packer.releaseBuffer();
}

/** What was packed. Its file is asked for where there is one, and may be closed afterwards. */
export function unpack(bytes: Buffer, file: () => number): unknown {
  return new Unpacker(bytes, file).readValue();
}
