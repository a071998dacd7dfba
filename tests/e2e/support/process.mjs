// SPDX-License-Identifier: Apache-2.0
// What the kernel tells about a process.
import { readdirSync, readFileSync } from 'node:fs';

const status = (pid, name) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

export const residentBytes = (pid) => status(pid, 'VmRSS') * 1024;
export const threadCount = (pid) => status(pid, 'Threads');
export const descriptorCount = (pid) => readdirSync(`/proc/${pid}/fd`).length;
export const mapCount = (pid) => readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').length - 1;

/// How many files this process, and whoever it starts, may have open.
export const descriptorLimit = () =>
  Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
