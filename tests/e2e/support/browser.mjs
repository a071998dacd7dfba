// SPDX-License-Identifier: Apache-2.0
// Headless Chromium, and tabs that keep a list of everything that went wrong in them.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/// Why the browser tests cannot run here, or false: for the `skip` option of node:test.
export const noBrowser = existsSync(executablePath) ? false : `no Chromium at ${executablePath}`;

export const launchBrowser = () =>
  chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--headless',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/// What the browser itself writes on the console when a server is away or refuses.
const refusal = /^(WebSocket connection to|Failed to load resource)/;

/**
 * A new page of `context`. `page.problems()` lists console errors and warnings, exceptions and
 * breaches of the content security policy; with `{refusals: true}` those of a refused or absent
 * server, which the browser reports whatever a page does, are left out.
 */
export async function newTab(context) {
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.stack}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} blocked ${event.blockedURI}`);
    });
  });
  page.problems = ({ refusals = false } = {}) =>
    problems.filter((problem) => !refusals || !refusal.test(problem));
  return page;
}
