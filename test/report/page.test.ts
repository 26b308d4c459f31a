// The page of a run, as Chromium shows it.
import { readFileSync, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { chromium as playwright, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { useNativeBackend, writeReport, type RetinaNet, type AnnotatedDataset } from 'retinanet-ops/retinanet';
import { chromium, inBrowser } from '../support/chromium.js';
import { bodyOf, drawDataset, trainDemo } from './demo.js';

/** A name that a page which does not escape it would run, and one of a file. */
const EVIL = `</script><img src="x" onerror="window.hacked = 1">`;
const OPTIONS = {
  ...{ classes: ['circle', EVIL, "it's & <b>bold</b>"], steps: 45, validateEvery: 15 },
  pictures: [32, 14] as [number, number],
};
const folder = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
const run = join(folder, 'run <i>1');
let net: RetinaNet;
let dataset: AnnotatedDataset;
let path: string;
let browser: Browser;

test.before(async (t) => {
  t.timeout(120_000);
  await useNativeBackend();
  dataset = await drawDataset(join(folder, 'data'), OPTIONS);
  net = await trainDemo(run, dataset, OPTIONS);
  path = await writeReport(run, { net, dataset });
  if (chromium === undefined) return;
  // The page is our own, and nothing else is opened.
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
  browser = await playwright.launch({ executablePath: chromium, args });
});
test.after.always(async () => {
  if (chromium !== undefined) await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Opened {
  page: Page;
  /** What the page says to the console, and asks of the network. */
  noise: string[];
}

async function open(file: string, options: BrowserContextOptions): Promise<Opened> {
  const page = await browser.newPage(options);
  const noise: string[] = [];
  page.on('console', (message) => noise.push(message.text()));
  page.on('pageerror', (error) => noise.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (url !== pathToFileURL(file).href && !url.startsWith('data:')) noise.push(url);
  });
  await page.goto(pathToFileURL(file).href);
  return { page, noise };
}

/** Whether it is true within two seconds. */
async function becomes(page: Page, expression: string): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    if (await page.evaluate<boolean>(expression)) return true;
    await page.waitForTimeout(40);
  }
  return false;
}

/** Of each chart: pixels that are not empty, and how many colours they have. */
const PAINTED = `[...document.querySelectorAll('.chart canvas')].map((canvas) => {
  // A copy: of a canvas that is read twice, the browser says that it is slow.
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  const colours = new Map();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] < 255) continue;
    const colour = data.slice(i, i + 3).join();
    colours.set(colour, (colours.get(colour) ?? 0) + 1);
  }
  return [...colours].filter(([, count]) => count > 20).map(([colour]) => colour).sort();
})`;
/** The colours of the grid in either scheme: its lines lie on whole pixels. */
const GRID = { light: '233,236,239', dark: '42,48,56' };
const OVERFLOW = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

inBrowser('its charts are painted, nothing is fetched, nothing goes wrong', async (t) => {
  const { page, noise } = await open(path, { viewport: { width: 1400, height: 900 }, colorScheme: 'light' });
  const ids = await page.evaluate<string[]>(`[...document.querySelectorAll('.chart')].map(({ id }) => id)`);
  t.deepEqual(ids, [
    ...['chart-ap', 'chart-class-ap', 'chart-loss', 'chart-rate'],
    ...['chart-precision-0', 'chart-precision-5', 'chart-foreground', 'chart-background'],
  ]);
  const light = await page.evaluate<string[][]>(PAINTED);
  t.is(light.length, ids.length);
  // Grid, text and one curve at least.
  for (const [i, colours] of light.entries()) t.true(colours.length >= 3, `${ids[i]!}: ${colours.join(' ')}`);
  t.true((await page.evaluate(`document.querySelector('#chart-ap .u-wrap').getAttribute('aria-label')`)) !== null);
  t.true(
    (await page.evaluate<number[]>(`[...document.images].map(({ naturalWidth }) => naturalWidth)`)).every(
      (w) => w > 100,
    ),
  );

  t.true(light.every((colours) => colours.includes(GRID.light) && !colours.includes(GRID.dark)));

  await page.emulateMedia({ colorScheme: 'dark' });
  let dark: string[][] = [];
  for (let tries = 0; tries < 50 && !dark.at(-1)?.includes(GRID.dark); tries++) {
    await page.waitForTimeout(40);
    dark = await page.evaluate<string[][]>(PAINTED);
  }
  t.true(dark.every((colours) => colours.length >= 3 && colours.includes(GRID.dark) && !colours.includes(GRID.light)));
  t.is(await page.evaluate(OVERFLOW), 0);
  t.deepEqual(noise, []);
});

inBrowser('it fits a telephone and a screen, also when one becomes the other', async (t) => {
  const { page, noise } = await open(path, { viewport: { width: 360, height: 740 } });
  const width = `document.querySelector('#chart-loss .uplot').offsetWidth`;
  t.is(await page.evaluate(OVERFLOW), 0);
  const narrow = await page.evaluate<number>(width);
  await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
  t.is(await page.evaluate(OVERFLOW), 0);
  await page.setViewportSize({ width: 1200, height: 800 });
  t.true(await becomes(page, `${width} > ${narrow + 100}`));
  await page.setViewportSize({ width: 360, height: 740 });
  t.true(await becomes(page, `${width} === ${narrow} && ${OVERFLOW} === 0`));
  t.deepEqual(noise, []);
});

inBrowser('names are text, whatever they are', async (t) => {
  const { page } = await open(path, {});
  t.is(await page.evaluate('window.hacked'), undefined);
  t.is(await page.locator('img:not(.frame img)').count(), 0);
  t.is(await page.locator('h1').innerText(), 'run <i>1');
  const rows = await page.locator('#precision tbody th').allInnerTexts();
  t.deepEqual(rows, ['all classes', ...OPTIONS.classes]);
  const legend = await page.locator('#chart-precision-0 .u-label').allInnerTexts();
  for (const name of OPTIONS.classes)
    t.true(
      legend.some((label) => label.startsWith(name)),
      name,
    );
  t.true((await page.locator('.file').allInnerTexts()).every((file) => /^val & \d+\.png$/.test(file)));
});

inBrowser('curves are chosen in the legend by the keyboard as well', async (t) => {
  const { page } = await open(path, {});
  const entry = page.locator('#chart-ap .u-series').nth(1);
  await entry.locator('th').focus();
  await page.keyboard.press('Enter');
  t.regex((await entry.getAttribute('class')) ?? '', /u-off/);
  await page.keyboard.press(' ');
  t.notRegex((await entry.getAttribute('class')) ?? '', /u-off/);
});

test('the parts are there, of true boxes and found ones, and no number is none', (t) => {
  const text = readFileSync(path, 'utf8');
  const parts = [...text.matchAll(/<section\s+id="(\w+)"/g)].map(([, id]) => id);
  t.deepEqual(parts, ['training', 'precision', 'curves', 'confusion', 'pictures', 'losses', 'configuration']);
  const body = bodyOf(text);
  t.true(/<rect\s+class="object/.test(body) && /<rect\s+class="found/.test(body));
  t.true(/learningRate<\/th>\s*<td>0\.003<\/td>/.test(body));
  t.false(/(src|href)="?(https?:)?\/\//.test(text));
  t.true(statSync(path).size < 1e6);
});

test('the same run gives the same bytes', async (t) => {
  const first = readFileSync(path);
  t.is(await writeReport(run, { net, dataset }), path);
  t.deepEqual(readFileSync(path), first);
});
