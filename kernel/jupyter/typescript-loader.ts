import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { LoadHook, ResolveHook } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadTypeScript } from './typescript-host.ts';

/** Finds `helper.ts` where `./helper` or `./helper.js` is imported. */
export const resolve: ResolveHook = async (specifier, context, next) => {
  if (specifier.startsWith('.') && context.parentURL && /\.m?ts$/.test(context.parentURL)) {
    const url = new URL(specifier, context.parentURL);
    for (const candidate of [url.href, `${url.href}.ts`, url.href.replace(/\.(m?)js$/, '.$1ts')])
      if (/\.m?ts$/.test(candidate) && existsSync(fileURLToPath(candidate)))
        return { url: candidate, shortCircuit: true, format: 'module' };
  }
  try {
    return await next(specifier, context);
  } catch (error) {
    // A file outside of any project finds what comes with this package.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || /^[./]/.test(specifier)) throw error;
    return next(specifier, { ...context, parentURL: import.meta.url });
  }
};

/** Strips the types of the TypeScript files that notebooks import. */
export const load: LoadHook = async (url, context, next) => {
  if (!url.startsWith('file:') || !/\.m?ts$/.test(url)) return next(url, context);
  const api = loadTypeScript();
  const fileName = fileURLToPath(url);
  const { outputText, diagnostics } = api.transpileModule(await readFile(fileName, 'utf8'), {
    fileName,
    reportDiagnostics: true,
    compilerOptions: { module: api.ModuleKind.ESNext, target: api.ScriptTarget.ES2022, inlineSourceMap: true },
  });
  // The compiler mends what it can, but what it guesses is not what was written.
  const [fault] = diagnostics ?? [];
  if (fault) {
    const { line, character } = fault.file!.getLineAndCharacterOfPosition(fault.start!);
    const message = api.flattenDiagnosticMessageText(fault.messageText, '\n');
    throw new SyntaxError(`${basename(fileName)}:${line + 1}:${character + 1}: ${message}`);
  }
  return { format: 'module', source: outputText, shortCircuit: true };
};
