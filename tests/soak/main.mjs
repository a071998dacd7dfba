// SPDX-License-Identifier: Apache-2.0
// `main.mjs MINUTES`: rounds of load and faults. At the end of each all clients leave, so that what
// is still there then is what nobody gives back. Started by script/soak.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  descriptorCount, mapCount, residentBytes, threadCount,
} from '../e2e/support/process.mjs';
import { Load } from './load.mjs';
import { startStage } from './stage.mjs';

const mebi = 2 ** 20;
const minutes = Number(process.argv[2]);
// The first round is the measure for all others: one minute has three short ones.
const roundMs = minutes < 3 ? 20_000 : 60_000;
const rounds = Math.round((minutes * 60_000) / roundMs);
const loadMs = roundMs - 8_000; // then all leave
/// Of a gateway that has lived through all of it, beyond what it had after the first round.
const mostGrowth = { files: 2, maps: 12, threads: 0, 'RSS MiB': 6 };

const figures = ({ pid }) => ({
  files: descriptorCount(pid),
  maps: mapCount(pid),
  threads: threadCount(pid),
  'RSS MiB': residentBytes(pid) / mebi,
});

/// Each fault at its share of the time of load.
const faults = (stage) => [
  { at: 0.15, happen: () => stage.reloadCertificate() },
  { at: 0.3, happen: () => stage.restartRedis() },
  { at: 0.65, happen: () => stage.replaceGateway() },
];

async function runRound(stage) {
  const load = new Load(stage.gateways);
  const started = performance.now();
  const until = (share) => sleep(Math.max(0, started + share * loadMs - performance.now()));
  for (const { at, happen } of faults(stage)) {
    await until(at);
    await load.during(happen);
  }
  await until(1);
  await load.stop();
  const ghosts = await stage.empties();
  load.forgetSilent();
  return { ghosts, surprises: load.surprises, counts: load.counts };
}

const columns = [
  'round', 'clients', 'heard', 'published', 'refused', 'slow', 'ghosts', ...Object.keys(mostGrowth),
  'files 2', 'maps 2', 'threads 2', 'RSS MiB 2',
];
const row = (cells) => console.log(cells.map((cell) => String(cell).padStart(9)).join(' '));
const shown = (values) =>
  Object.values(values).map((value) => (Number.isInteger(value) ? value : value.toFixed(1)));

/// A line stands for itself and for those before it that were not logged.
const slowClosings = (log) =>
  [...log.matchAll(/closing a slow consumer.*"suppressed":(\d+)/g)]
    .reduce((sum, [, suppressed]) => sum + 1 + Number(suppressed), 0);

/// Errors that no fault of ours explains.
const unexpected = (log) =>
  log
    .split('\n')
    .filter((line) => line.includes('"level":"error"') && !line.includes('cannot be reached'));

/// Growth beyond the bounds, in words.
const growths = (first, last) =>
  Object.entries(mostGrowth)
    .filter(([name, most]) => last[name] > first[name] + most)
    .map(([name]) => `${name}: ${first[name]} after the first round, ${last[name]} at the end`);

const stage = await startStage(process.env.SOAK_CERTIFICATES);
const misses = [];
let first;
let last;
row(columns);
for (let round = 1; round <= rounds; ++round) {
  const slowBefore = slowClosings(stage.log());
  const { ghosts, surprises, counts } = await runRound(stage);
  last = figures(stage.gateways[0]);
  first ??= last;
  const slow = slowClosings(stage.log()) - slowBefore;
  row([
    round, ...Object.values(counts), slow, ghosts.length, ...shown(last),
    ...shown(figures(stage.gateways[1])),
  ]);
  misses.push(...ghosts.map((ghost) => `still present after round ${round}: ${ghost}`));
  misses.push(...surprises.map((why) => `round ${round}, without a fault: ${why}`));
}
misses.push(...growths(first, last));
misses.push(...unexpected(stage.log()).map((line) => `in a log: ${line}`));
if (slowClosings(stage.log()) === 0) misses.push('no slow reader was closed');
await stage.stop();
for (const miss of misses.slice(0, 50)) console.log(`soak: ${miss}`);
console.log(misses.length === 0 ? 'soak: all is where it was' : `soak: ${misses.length} misses`);
process.exitCode = misses.length === 0 ? 0 : 1;
