// SPDX-License-Identifier: Apache-2.0
// The playground in a real browser against the real binary.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, newTab, noBrowser } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const sources = new URL('../../web/playground/', import.meta.url);
const jwtSecret = 'a secret for tests, long enough for HS256';
const timeout = 60_000;

describe('the playground', { skip: noBrowser, timeout: 300_000 }, () => {
  let browser;
  before(async () => (browser = await launchBrowser()));
  after(() => browser?.close());

  /// Starts a server that ends with the test.
  async function serve(t, options) {
    const server = await startServer(options);
    t.after(() => server.stop());
    return server;
  }

  /// Opens `url` in a browser profile of its own, so that each tab is a user of its own.
  async function open(t, url, { viewport = { width: 1440, height: 900 }, ...rest } = {}) {
    const context = await browser.newContext({ viewport, ...rest });
    context.setDefaultTimeout(15_000);
    t.after(() => context.close());
    const page = await newTab(context);
    await page.goto(url);
    return page;
  }

  /// Opens the page and connects as `user`, on the channels of `hash` or in the lobby.
  async function connected(t, server, user, hash = '') {
    const page = await open(t, `${server.url}/${hash}`);
    if (hash) await page.click('#disconnect'); // a link connects by itself, as somebody
    await page.fill('#user', user);
    await page.click('#connect');
    await live(page);
    return page;
  }

  test('is served byte for byte with a strict policy', { timeout }, async (t) => {
    const server = await serve(t);
    for (const name of await readdir(sources)) {
      const path = name === 'index.html' ? '/' : `/${name}`;
      const response = await fetch(server.url + path);
      assert.equal(response.status, 200, path);
      const served = Buffer.from(await response.arrayBuffer());
      assert.ok(served.equals(await readFile(new URL(name, sources))), `${path} differs`);
      assert.match(response.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self';/);
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    }
  });

  test('shows two tabs each other’s broadcasts and presence', { timeout }, async (t) => {
    const server = await serve(t);
    const alice = await connected(t, server, 'alice');
    const bob = await connected(t, server, 'bob');

    await broadcast(alice, '{"text": "hello bob", "n": 12345678901234567890}');
    for (const tab of [alice, bob]) await message(tab, '"hello bob"');
    assert.match(await bob.textContent('.message:last-child .byline'), /^.?alice/);
    assert.match(
      await bob.textContent('.message:last-child .payload'),
      /12345678901234567890/,
      'the payload’s text is shown as it was written',
    );
    assert.match(await alice.textContent('#broadcast-outcome'), /^Accepted in /);

    await alice.fill('#meta', '{"mood": "curious"}');
    await alice.click('#join');
    await member(bob, 'alice', '{"mood":"curious"}');
    await bob.click('#join');
    await member(alice, 'bob');
    assert.equal(await alice.getAttribute('[data-user="alice"]', 'data-own'), 'true');
    assert.equal(await alice.getAttribute('[data-user="bob"]', 'data-own'), 'false');

    await alice.fill('#meta', '{"mood": "happy"}');
    await alice.click('#join'); // it says "Update" now
    await member(bob, 'alice', '{"mood":"happy"}');
    await alice.click('#leave');
    await bob.waitForSelector('[data-user="alice"]', { state: 'detached' });
    assert.equal(await bob.textContent('#member-count'), '1');
    for (const tab of [alice, bob]) assert.deepEqual(tab.problems(), []);
  });

  test('keeps a user out of the messages when it unsubscribes', { timeout }, async (t) => {
    const server = await serve(t);
    const alice = await connected(t, server, 'alice');
    const bob = await connected(t, server, 'bob');
    await bob.fill('#subscribe-channel', 'second');
    await bob.click('#subscribe-form button');
    await live(bob);
    await bob.click('.channel:has-text("lobby")');
    await bob.click('#unsubscribe');
    await frame(bob, 'unsubscribed');
    await broadcast(alice, '"to nobody else"');
    await message(alice, 'to nobody else');
    await bob.click('#send-kind label:has-text("Raw")');
    await bob.fill('#raw-frame', '{"type":"ping","id":"fence"}');
    await bob.click('#raw-form button');
    await frame(bob, 'pong');
    assert.equal(await bob.locator('details[data-type="broadcast"]').count(), 0);
    assert.deepEqual(bob.problems(), []);
  });

  test('publishes over HTTP and shows the same as curl', { timeout }, async (t) => {
    const server = await serve(t, { env: { API_KEYS: 'test:the-key' } });
    const page = await connected(t, server, 'alice');
    await page.click('#send-kind label:has-text("Over HTTP")');
    await page.fill('#http-event', 'news');
    await page.fill('#http-payload', '{"text": "it’s Bob\'s"}');
    await page.click('#http-form button[type=submit]');
    await page.waitForSelector('#http-outcome:has-text("this server wants an API key")');

    await page.fill('#http-key', 'the-key');
    await page.click('#http-form button[type=submit]');
    await message(page, "it’s Bob's");
    assert.match(await page.textContent('.message:last-child .byline'), /over HTTP.*news/);
    const curl = await page.textContent('#curl');
    assert.match(curl, /^curl 'http:\/\/127\.0\.0\.1:\d+\/api\/event'/);
    assert.ok(curl.includes(`Bob'\\''s`), 'quotes are safe in the shell');
    assert.ok(!curl.includes('the-key'), 'the key is left to the shell');
    assert.deepEqual(page.problems({ refusals: true }), []);
  });

  test('gives the server’s own reason when a user id is missing', { timeout }, async (t) => {
    const server = await serve(t);
    const page = await open(t, `${server.url}/`);
    await page.fill('#user', '');
    await page.click('#connect');
    await refused(page, /missing user_id/);

    await page.click('label:has-text("Token")');
    await page.fill('#token', token({ sub: 'alice' }));
    await page.click('#connect');
    await refused(page, /sign in with a user id/);
    assert.deepEqual(page.problems({ refusals: true }), []);
  });

  test('signs in with a token and never puts it in an address', { timeout }, async (t) => {
    const server = await serve(t, { env: { JWT_SECRET: jwtSecret } });
    const page = await open(t, `${server.url}/`);
    const addresses = [];
    page.on('websocket', (socket) => addresses.push(socket.url()));
    page.on('request', (request) => addresses.push(request.url()));

    await page.click('label:has-text("Token")');
    await page.click('#connect');
    await refused(page, /missing token/);
    await page.fill('#token', token({ sub: 'alice' }, 'some other secret'));
    await page.click('#connect');
    await refused(page, /invalid token/);

    const good = token({ sub: 'alice', exp: Math.floor(Date.now() / 1000) + 3600 });
    await page.fill('#token', `Bearer ${good}`);
    assert.match(await page.textContent('#token-hint'), /“alice”/);
    await page.click('#connect');
    await live(page);
    assert.equal(await page.textContent('#status-text'), 'connected as alice');
    const signature = good.split('.')[2];
    for (const address of [...addresses, page.url()]) assert.ok(!address.includes(signature), address);
    assert.deepEqual(page.problems({ refusals: true }), []);
  });

  test('comes back by itself after a restart, with channels and presence', { timeout: 120_000 }, async (t) => {
    const first = await serve(t);
    const alice = await connected(t, first, 'alice');
    const bob = await connected(t, first, 'bob');
    await alice.fill('#subscribe-channel', 'second');
    await alice.click('#subscribe-form button');
    await live(alice);
    await alice.click('.channel:has-text("lobby")');
    await alice.click('#join');
    await member(bob, 'alice');

    await first.kill();
    await alice.waitForSelector('#connection-notice:has-text("not reachable")');
    await alice.waitForSelector('#messages:has-text("once you are connected")');
    const second = await serve(t, { port: first.port });
    for (const tab of [alice, bob]) await live(tab, 30_000);
    await alice.waitForSelector('.channel[data-state=live]:has-text("second")');
    await member(bob, 'alice');
    await broadcast(bob, '"after the restart"');
    await message(alice, 'after the restart');

    // An orderly stop tells the tabs, and they come back as well.
    await second.stop();
    await alice.waitForSelector('#status:not([data-state=open])');
    await serve(t, { port: first.port });
    for (const tab of [alice, bob]) await live(tab, 30_000);
    await broadcast(alice, '"after the second restart"');
    await message(bob, 'after the second restart');
    for (const tab of [alice, bob]) assert.deepEqual(tab.problems({ refusals: true }), []);
  });

  test('stays away after a close code that asks for it', { timeout }, async (t) => {
    const server = await serve(t, { env: { API_KEYS: 'test:the-key' } });
    const page = await connected(t, server, 'alice');
    const answer = await fetch(`${server.url}/api/users/alice/disconnect`, {
      method: 'POST',
      headers: { Authorization: 'Bearer the-key' },
    });
    assert.equal(answer.status, 200);
    await page.waitForSelector('#status[data-state=ended]');
    assert.match(await page.textContent('#connection-notice'), /4403/);
    await page.waitForTimeout(1500); // three times the first back-off
    assert.equal(await page.getAttribute('#status', 'data-state'), 'ended');
    assert.deepEqual(page.problems(), []);
  });

  test('opens the channels of a link', { timeout }, async (t) => {
    const server = await serve(t);
    const name = 'späte & [frühe] #1';
    const page = await open(t, `${server.url}/#both=lobby&broadcast=${encodeURIComponent(name)}`);
    await page.waitForSelector('.channel[data-state=live]:has-text("lobby")');
    await page.waitForSelector(`.channel[data-state=live]:has-text("${name}")`);
    await page.click(`.channel:has-text("${name}")`);
    assert.equal(await page.isChecked('#channel-presence'), false);
    const link = await page.getAttribute('#second-tab', 'href');
    assert.deepEqual(
      [...new URLSearchParams(new URL(link).hash.slice(1))],
      [['both', 'lobby'], ['broadcast', name]],
    );
    assert.deepEqual(page.problems(), []);
  });

  test('does not connect to another server because a link says so', { timeout }, async (t) => {
    const server = await serve(t);
    const page = await open(t, `${server.url}/#server=http://127.0.0.1:9&both=lobby`);
    assert.equal(await page.inputValue('#server'), 'http://127.0.0.1:9');
    assert.equal(await page.getAttribute('#status', 'data-state'), 'idle');
    assert.deepEqual(page.problems(), []);
  });

  test('tells a server that is not there from one that refuses', { timeout }, async (t) => {
    const server = await serve(t);
    const gone = await startServer();
    await gone.kill();
    const page = await open(t, `${server.url}/`);
    await page.fill('#server', gone.url);
    await page.click('#connect');
    await page.waitForSelector('#connection-notice:has-text("The server is not reachable")');
    await page.click('#retry-stop');
    assert.equal(await page.textContent('#status-text'), 'not connected');
    assert.deepEqual(page.problems({ refusals: true }), []);
  });

  test('checks JSON as one types, and sends what is valid only', { timeout }, async (t) => {
    const server = await serve(t);
    const page = await connected(t, server, 'alice');
    await page.fill('#broadcast-payload', '{"text": hello}');
    assert.match(await page.textContent('#broadcast-hint'), /double quotes/);
    await page.click('#broadcast-form button[type=submit]');
    assert.equal(await page.textContent('#broadcast-outcome'), '');
    await page.fill('#meta', '[1]');
    assert.match(await page.textContent('#meta-hint'), /object/);
    await broadcast(page, '{"text": "hello"}');
    await message(page, 'hello');
    assert.equal(await page.textContent('#broadcast-hint'), '');

    await page.click('#send-kind label:has-text("Raw")');
    await page.fill('#raw-frame', '{"type":');
    await page.click('#raw-form button');
    await page.waitForSelector('#channel-notice:has-text("could not read that")');
    assert.deepEqual(page.problems(), []);
  });

  test('shows what others send as text, never as markup', { timeout }, async (t) => {
    const server = await serve(t);
    const markup = '<img src=x onerror="document.title = `taken`">';
    const alice = await connected(t, server, markup, `#both=${encodeURIComponent(markup)}`);
    await alice.fill('#broadcast-event', markup);
    await alice.fill('#meta', JSON.stringify({ [markup]: markup }));
    await broadcast(alice, JSON.stringify({ ['__proto__']: markup }));
    await message(alice, markup);
    await alice.click('#join');
    await alice.waitForSelector('#members li');
    await alice.locator('.frames summary').first().click();
    assert.equal(await alice.locator('main img').count(), 0);
    assert.equal(await alice.title(), 'roomcast playground');
    assert.deepEqual(alice.problems(), []);
  });

  test('filters, pauses, unfolds and clears the log of frames', { timeout }, async (t) => {
    const server = await serve(t);
    const page = await connected(t, server, 'alice');
    await broadcast(page, '"needle"');
    await message(page, 'needle');
    const rows = page.locator('#frames > li');

    await page.selectOption('#log-direction', 'out');
    await page.selectOption('#log-type', 'broadcast');
    assert.equal(await rows.count(), 1);
    await page.selectOption('#log-direction', '');
    assert.equal(await rows.count(), 2);
    await page.fill('#log-text', 'NEEDLE');
    assert.equal(await rows.count(), 2);
    await page.fill('#log-text', 'no such text');
    assert.equal(await rows.count(), 0);
    await page.fill('#log-text', '');

    await page.click('#log-pause');
    await broadcast(page, '"while paused"');
    await page.waitForSelector('#log-pause:has-text("new")');
    assert.equal(await rows.count(), 2);
    await page.click('#log-pause');
    assert.equal(await rows.count(), 4);

    await rows.first().locator('summary').click();
    assert.match(await rows.first().locator('pre').textContent(), /\n {2}"type": "broadcast"/);
    await page.click('#log-clear');
    assert.equal(await rows.count(), 0);
    assert.deepEqual(page.problems(), []);
  });

  test('keeps to the last thousand frames under a flood', { timeout }, async (t) => {
    const server = await serve(t);
    const page = await connected(t, server, 'alice');
    await page.click('#send-kind label:has-text("Raw")');
    await page.fill('#raw-frame', '{"type":"broadcast","channel":"lobby","payload":"flood"}');
    await page.evaluate(() => {
      const form = document.querySelector('#raw-form');
      for (let sent = 0; sent < 800; sent += 1) form.requestSubmit();
    });
    await page.waitForSelector('#log-count:text("300 of 1000")');
    assert.equal(await page.locator('.message').count(), 200);
    assert.deepEqual(page.problems(), []);
  });

  test('works with the keyboard alone', { timeout }, async (t) => {
    const server = await serve(t);
    const page = await open(t, `${server.url}/`);
    const reached = [];
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab');
      const { name, outline } = await page.evaluate(() => {
        const focused = document.activeElement;
        const ring = focused.type === 'radio' ? focused.nextElementSibling : focused;
        const { outlineStyle, outlineWidth } = getComputedStyle(ring);
        return { name: focused.id || focused.name, outline: `${outlineStyle} ${outlineWidth}` };
      });
      if (!name || reached.includes(name)) continue;
      assert.equal(outline, 'solid 2px', `#${name} shows its focus`);
      reached.push(name);
    }
    for (const name of ['server', 'identity', 'user', 'connect', 'subscribe-channel', 'second-tab',
      'channel-broadcast', 'messages', 'send', 'broadcast-payload', 'join', 'log-pause', 'log-text']) {
      assert.ok(reached.includes(name), `Tab reaches #${name}`);
    }
    await page.focus('#user');
    await page.keyboard.press('Enter');
    await live(page);
    await page.focus('#broadcast-payload');
    await page.keyboard.press('Control+Enter');
    await message(page, 'hello');
    assert.deepEqual(page.problems(), []);
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`fits a phone, ${colorScheme}`, { timeout }, async (t) => {
      const server = await serve(t);
      const long = 'x'.repeat(200);
      const page = await open(t, `${server.url}/#both=lobby&both=${long}`, {
        viewport: { width: 360, height: 780 },
        colorScheme,
      });
      await page.waitForSelector('.channel[data-state=live]:has-text("lobby")');
      await page.click('#disconnect');
      await page.fill('#user', `user-${long}`);
      await page.click('#connect');
      await page.click(`.channel:has-text("${long}")`);
      await live(page);
      await page.fill('#broadcast-event', long);
      await broadcast(page, JSON.stringify({ text: long.repeat(5) }));
      await message(page, long);
      await page.click('#join');
      await page.waitForSelector('#members li');
      await page.locator('.frames summary').first().click();
      for (const kind of ['Broadcast', 'Over HTTP', 'Raw']) {
        await page.click(`#send-kind label:has-text("${kind}")`);
        assert.deepEqual(await tooWide(page), [], `no sideways scrolling with "${kind}"`);
      }
      assert.deepEqual(await tooFaint(page), [], 'text stands out from its ground');
      assert.deepEqual(await unlabelled(page), [], 'every control has a name');
      assert.deepEqual(page.problems(), []);
    });
  }
});

/// Waits until the page is connected and the selected channel is live.
async function live(page, timeout = 15_000) {
  await page.waitForSelector('#status[data-state=open]', { timeout });
  await page.waitForSelector('.channel[aria-current=true][data-state=live]', { timeout });
}

async function broadcast(page, payload) {
  await page.fill('#broadcast-payload', payload);
  await page.click('#broadcast-form button[type=submit]');
}

const message = (page, text) => page.locator('.message').filter({ hasText: text }).last().waitFor();

const frame = (page, type) => page.waitForSelector(`details[data-type="${type}"]`);

const member = (page, user, meta = '') =>
  page.locator(`[data-user="${user}"]`).filter({ hasText: meta }).waitFor();

async function refused(page, reason) {
  await page.waitForSelector('#status[data-state=refused]');
  await page.locator('#connection-notice').filter({ hasText: reason }).waitFor();
}

/// A JSON Web Token, signed with HS256.
function token(claims, secret = jwtSecret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/// Where the page is wider than the screen: elements that reach beyond it.
const tooWide = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.querySelectorAll('body *')]
      .filter((node) => node.getBoundingClientRect().right > clientWidth)
      .map((node) => `${node.tagName}#${node.id}.${node.className}`);
  });

/// Controls without an accessible name.
const unlabelled = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('input, select, textarea, button')]
      .filter((control) => !control.labels?.length && !control.textContent.trim())
      .map((control) => control.outerHTML),
  );

/// Visible texts with less contrast to their ground than WCAG 2.2 AA asks for (4.5:1).
const tooFaint = (page) =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (color) => {
      const [r, g, b] = rgba(color).map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor;
        if (rgba(color)[3] === 255) return color;
      }
      return 'white';
    };
    const faint = new Set();
    for (const node of document.querySelectorAll('body *')) {
      const hasText = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
      if (!hasText || !node.checkVisibility() || node.closest(':disabled')) continue;
      const [light, dark] = [luminance(getComputedStyle(node).color), luminance(ground(node))].sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      if (contrast < 4.5) faint.add(`${node.tagName}.${node.className} ${contrast.toFixed(2)}: ${node.textContent.slice(0, 30)}`);
    }
    return [...faint];
  });
