import { readFile } from 'node:fs/promises';

/** Bytes of a file that was named on the command line. Throws `no file x` where there is none. */
export async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? `no file ${file}` : message, { cause });
  }
}
