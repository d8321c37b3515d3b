// Every page in both themes and at both widths: no violation of WCAG 2.2 AA by axe-core, no error in the console, no
// request that leaves the host, nothing wider than the screen.
import { check, finish, open, require, signIn, wrong } from "./support.mjs";

const axe = require.resolve("axe-core/axe.min.js");
const paths = JSON.parse(process.env.PATHS);
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const links = JSON.parse(process.env.LINKS);
const found = [];

for (const [width, colorScheme] of [[1440, "light"], [1440, "dark"], [390, "light"], [390, "dark"]]) {
  const { context, page } = await open({ viewport: { width, height: width < 500 ? 844 : 900 }, colorScheme, bypassCSP: true });
  await signIn(page);
  await page.goto(`${process.env.DESK}/portal/sign-in/${links.shift()}`);
  await page.click("main form button");
  for (const path of paths) {
    await page.goto(process.env.DESK + path);
    await page.addScriptTag({ path: axe });
    const result = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags, iframes: false }), tags);
    for (const { id, nodes } of result.violations) {
      for (const node of nodes.slice(0, 3)) found.push(`${path} ${width} ${colorScheme}: ${id}: ${node.html.slice(0, 160)} — ${node.any.concat(node.all)[0]?.message ?? ""}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1 && document.documentElement.scrollWidth);
    if (wide) found.push(`${path} ${width}: ${wide} px wide`);
  }
  await context.close();
}
console.log(found.join("\n"));
check(`${paths.length} pages in two themes and widths without a violation`, found.length === 0);
check(`nothing went wrong on the way: ${wrong.join(" ")}`, wrong.length === 0);
await finish();
