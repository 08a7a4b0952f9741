// axe-core on the page as it stands, under the page's own Content-Security-Policy.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const grave = new Set(['serious', 'critical']);
const all = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
const ofColours = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/**
 * Returns the serious and critical violations of WCAG 2.2 A and AA as sentences, one an element. With coloursOnly, those of its rules
 * about colours: all that another theme can change.
 * The source is evaluated through the debugger: a script element would be blocked by the policy, rightly.
 * axe waits on timers, which a visitor without JavaScript does not have: check such a page as another visitor.
 */
export async function axe(page, { coloursOnly = false } = {}) {
  if (!(await page.evaluate(() => matchMedia('(scripting: enabled)').matches))) throw new Error('axe needs JavaScript');
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(source);
  const { violations } = await page.evaluate((runOnly) => globalThis.axe.run(document, {
    resultTypes: ['violations'],
    preload: false,
    runOnly,
  }), coloursOnly ? ofColours : all);
  return violations
    .filter((violation) => grave.has(violation.impact))
    .flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${violation.help}: ${node.target.join(' ')} ${node.html.slice(0, 160)}`));
}
