import { readFile } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';

/** Types of elements of a MAT file, version 5. */
const compressed = 15;
const matrix = 14;
const structure = 2;
const numbers: Readonly<Record<number, (data: Buffer) => number>> = {
  1: data => data.readInt8(),
  2: data => data.readUInt8(),
  3: data => data.readInt16LE(),
  4: data => data.readUInt16LE(),
  5: data => data.readInt32LE(),
  6: data => data.readUInt32LE(),
  9: data => data.readDoubleLE(),
};

interface Element {
  readonly type: number;
  readonly data: Buffer;
}

/**
 * WordNet ids by ILSVRC2012_ID from `meta.mat` of ImageNet's development kit: a MAT file (version 5) with an array of
 * structures. Throws where it is something else.
 */
export async function readSynsets(file: string): Promise<Map<number, string>> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`imagenet: ${file} cannot be read (${cause.code})`, { cause });
  });
  try {
    const [first] = elementsOf(bytes.subarray(128));
    return synsetsOf(first!.type === compressed ? elementsOf(inflateSync(first!.data))[0]! : first!);
  } catch (cause) {
    throw new Error(`imagenet: ${file} is not the development kit's meta.mat: ${(cause as Error).message}`, { cause });
  }
}

function synsetsOf({ type, data }: Element): Map<number, string> {
  const [flags, , , nameLength, names, ...fields] = elementsOf(data);
  if (type !== matrix || flags!.data[0] !== structure) throw new Error('no array of structures');
  const length = nameLength!.data.readInt32LE();
  const columns = Array.from({ length: names!.data.length / length }, (_, i) =>
    names!.data
      .subarray(i * length, (i + 1) * length)
      .toString('latin1')
      .replace(/\0.*$/s, ''),
  );
  const [id, word] = [columns.indexOf('ILSVRC2012_ID'), columns.indexOf('WNID')];
  if (id < 0 || word < 0) throw new Error(`fields are ${columns.join(', ')}`);
  const synsets = new Map<number, string>();
  for (let row = 0; row < fields.length; row += columns.length) {
    const number = contentOf(fields[row + id]!);
    const text = contentOf(fields[row + word]!);
    // Text of one byte a character, or of two.
    const step = text.type === 4 || text.type === 17 ? 2 : 1;
    synsets.set(
      numbers[number.type]!(number.data),
      Buffer.from(text.data.filter((_, i) => i % step === 0)).toString('latin1'),
    );
  }
  return synsets;
}

/** The values of a matrix, behind its flags, sizes and name. */
const contentOf = ({ data }: Element): Element => elementsOf(data)[3]!;

/** Elements one after another: type and length in four bytes each, or in two where the data fit into four bytes. */
function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const head = bytes.readUInt32LE(at);
    const small = head >>> 16;
    const length = small || bytes.readUInt32LE(at + 4);
    const start = at + (small ? 4 : 8);
    elements.push({ type: head & 0xffff, data: bytes.subarray(start, start + length) });
    at = small ? at + 8 : start + (head === compressed ? length : Math.ceil(length / 8) * 8);
  }
  return elements;
}
