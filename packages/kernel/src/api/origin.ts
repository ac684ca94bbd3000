import { isIP } from 'node:net';

/** Which web pages may use the kernel, and under which names it may be reached. */

/**
 * @param patterns origins, where `:*` stands for any port and `*` elsewhere for any labels of a host name
 * @returns whether a page of `origin` may use the kernel that was reached as `host` (the Host header)
 */
export function originRule(patterns: readonly string[]): (origin: string, host: string | undefined) => boolean {
  const allowed = patterns.map(originPattern);
  return (origin, host) => isOwnOrigin(origin, host) || allowed.some((pattern) => pattern.test(origin));
}

function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined) return false;
  const lower = origin.toLowerCase();
  return lower === `http://${host.toLowerCase()}` || lower === `https://${host.toLowerCase()}`;
}

function originPattern(pattern: string): RegExp {
  if (pattern === '*') return /^/;
  const anyPort = pattern.endsWith(':*');
  const rest = (anyPort ? pattern.slice(0, -2) : pattern).replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const host = rest.replaceAll('*', '[a-z0-9-]+(\\.[a-z0-9-]+)*');
  return new RegExp(`^${host}${anyPort ? '(:\\d{1,5})?' : ''}$`, 'i');
}

/**
 * Against DNS rebinding: a page of an attacker's domain that resolves to this machine is same-origin with the kernel,
 * but its requests carry the attacker's name as `Host`.
 */
export function hostRule(allowedHosts: readonly string[]): (host: string | undefined) => boolean {
  const any = allowedHosts.includes('*');
  const names = new Set(['localhost', ...allowedHosts.map((name) => name.toLowerCase())]);
  let lastAllowed: string | undefined;
  return (host) => {
    // A browser always sends one; what does not is HTTP/1.0.
    if (any || host === undefined || host === lastAllowed) return true;
    const name = hostName(host);
    if (isIP(name) === 0 && !names.has(name)) return false;
    lastAllowed = host;
    return true;
  };
}

/** The host without its port, and without the brackets of an IPv6 address. */
export function hostName(host: string): string {
  const bracketed = /^\[([^\]]+)\](:\d*)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase();
}
