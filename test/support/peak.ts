import { readFileSync } from 'node:fs';

/** The most memory that this process alone had resident; where there is no /proc, what the system reports for it. */
export function peak(): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
