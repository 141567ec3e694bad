import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { complaints, openBrowser, violations } from './browser.ts';
import { fill } from './demo.ts';
import { Fixture } from './fixture.ts';

describe('every view of the page', function () {
  let fixture: Fixture;
  let browser: Browser | undefined;
  let views: Readonly<Record<string, string>>;

  before(async function () {
    browser = await openBrowser();
    if (!browser) return this.skip();
    fixture = await Fixture.start();
    const ids = await fill(fixture);
    views = {
      'new run': '#/new',
      runs: '#/runs',
      submissions: '#/submissions',
      submission: `#/submissions/${ids.second}`,
      'a run that is done': `#/runs/${ids.done}`,
      'a run that goes on': `#/runs/${ids.running}`,
      'a run that failed': `#/runs/${ids.failed}`,
      compare: `#/compare?runs=${ids.several.join()}`,
      'compare nothing': '#/compare',
      leaderboards: '#/leaderboards',
      "the paper's leaderboard": '#/leaderboards?model=resnet18&dataset=cifar100',
      server: '#/server',
      'no such run': '#/runs/0123456789ab',
      'no such page': '#/nothing/here',
    };
  });
  after(async () => {
    await browser?.close();
    await fixture?.close();
  });

  for (const [width, colorScheme] of [
    [390, 'light'],
    [1280, 'dark'],
  ] as const)
    it(`can be read and used at ${width} pixels, ${colorScheme}`, async () => {
      const page = await browser!.newPage({ colorScheme, reducedMotion: 'reduce', viewport: { width, height: 844 } });
      const wrong: string[] = [];
      const found = complaints(page, fixture.url);
      for (const [name, hash] of Object.entries(views)) {
        await page.goto('about:blank');
        await page.goto(fixture.url + hash);
        await page.locator('h1').waitFor();
        await page.locator('.loading').waitFor({ state: 'detached' });
        if (name === 'new run') await page.locator('.numbers[aria-busy=false]').waitFor();
        if (/done|compare$|leaderboard/.test(name)) await page.locator('.plot svg').first().waitFor();
        // what is folded is part of it
        await page.evaluate("document.querySelectorAll('details').forEach(fold => (fold.open = true))");
        wrong.push(...(await violations(page)).map(violation => `${name}: ${violation}`));
        const extent = (await page.evaluate('document.documentElement.scrollWidth')) as number;
        if (extent > width) wrong.push(`${name}: is ${extent} pixels wide`);
        if ((await page.evaluate('document.getAnimations().length')) !== 0) wrong.push(`${name}: moves`);
      }
      assert.deepEqual([...wrong, ...found], []);
      await page.close();
    });
});
