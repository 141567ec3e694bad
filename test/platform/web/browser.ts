import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where a Chromium is: what PRUNINGBENCH_BROWSER names, or one that the system has. */
export const browserPath = (): string | undefined => process.env['PRUNINGBENCH_BROWSER'] ?? places.find(existsSync);

/** A Chromium, or undefined, with the reason printed, where there is none. */
export async function openBrowser(): Promise<Browser | undefined> {
  const executablePath = browserPath();
  if (executablePath === undefined) {
    console.log(`    skipped: no Chromium at ${places.join(' or ')}; name one in PRUNINGBENCH_BROWSER`);
    return undefined;
  }
  // a sandbox of its own is not to be had by root
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}

/** What a page said that it should not say: errors, what its policy forbade, requests to elsewhere. */
export function complaints(page: Page, origin: string): string[] {
  const found: string[] = [];
  page.on('pageerror', error => found.push(`error: ${error.message}`));
  page.on('console', message => {
    const expected = /Failed to load resource/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !expected) found.push(`${message.type()}: ${message.text()}`);
  });
  page.on('request', request => {
    if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url())) found.push(`asks ${request.url()}`);
  });
  return found;
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe-core finds wrong with a page by WCAG 2.2, A and AA. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const options = { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] };
  const found = (await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then(result => result.violations)`,
  )) as Violation[];
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
  );
}
