import type { PolicyDocument } from './policy.ts';

/** Options behind a command, each with the blank before it. */
const OPTIONS = String.raw`(?:\s+-\S+)*`;
/** A file of a whole disk, or of a part of one. */
const DISK = '/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|dm-|md)';
const SHELL = '(?:sudo +)?(?:/usr)?(?:/bin/)?(?:env +)?(?:ba|z|da|k|c|fi)?sh';
const DOWNLOAD = '(?:curl|wget)';
/** Blanks or a comment, which SQL takes for one. */
const GAP = String.raw`(?:\s|/\*[^*]*\*/)+`;

const DELETES = [
  // rm with both -r and -f, in one word or two, in either order.
  String.raw`\brm${OPTIONS}\s+-(?:[a-z]*r[a-z]*f|[a-z]*f[a-z]*r)`,
  String.raw`\brm${OPTIONS}\s+(?:-[a-z]*r|--recursive)[a-z]*${OPTIONS}\s+(?:-[a-z]*f|--force\b)`,
  String.raw`\brm${OPTIONS}\s+(?:-[a-z]*f|--force)[a-z]*${OPTIONS}\s+(?:-[a-z]*r|--recursive\b)`,
  // rm -r of everything there is.
  String.raw`\brm${OPTIONS}\s+(?:-[a-z]*r|--recursive)[a-z]*${OPTIONS}\s+(?:/|~|\$home)/?\*?(?:\s|$)`,
  String.raw`--no-preserve-root\b`,
  String.raw`\bfind\s+/\s[^\n]*\s-delete\b`,
  String.raw`\bremove-item\b[^\n|;]*\s-recurse\b`,
  String.raw`\brmdir\s+/s\b`,
  String.raw`\bmv\s+\S+\s+/dev/null\b`,
];

const DISKS = [
  String.raw`\bmkfs(?:\.\w+)?\s[^\n]*/dev/`,
  String.raw`\bdd\s[^\n]*\bof=${DISK}`,
  String.raw`\b(?:shred|wipefs)\s[^\n]*${DISK}`,
  String.raw`>\s*${DISK}`,
  String.raw`\bformat\s+[c-z]:\s*(?:/|$)`,
];

const SQL = [
  String.raw`\bdrop${GAP}(?:table|database)\b`,
  String.raw`\bdrop${GAP}schema${GAP}(?:if${GAP}exists\b|\S+\s*(?:;|cascade\b))`,
  String.raw`\btruncate${GAP}table\b`,
  // Without a condition, or with one that always holds.
  String.raw`\bdelete${GAP}from${GAP}[\w."\x60\[\]]+\s*;`,
  String.raw`\bdelete${GAP}from${GAP}[\w."\x60\[\]]+${GAP}where${GAP}(?:1\s*=\s*1|true)\b`,
];

const SHELLS = [
  // A function called : that calls itself twice.
  String.raw`:\(\)\s*\{\s*:\s*\|\s*:`,
  String.raw`\b${DOWNLOAD}\s[^\n]*\|\s*${SHELL}\b`,
  String.raw`\b${DOWNLOAD}\s[^\n]*\|\s*(?:sudo +)?(?:python|perl|ruby|node)[\d.]*(?:\s+-)?\s*(?:$|[;&"'\n])`,
  String.raw`\b(?:ba|z|da|k)?sh\s[^\n]*(?:[<$]\(|\x60)\s*${DOWNLOAD}\s`,
  String.raw`\b(?:iwr|irm|invoke-webrequest|invoke-restmethod)\s[^\n]*\|\s*(?:iex|invoke-expression)\b`,
  String.raw`\bchmod\s+-[a-z]*r[a-z]*\s+0?777\s+/(?:\s|$)`,
];

/** What a colony begins with: it keeps out what is hardly ever meant, and asks people about what is critical. */
export const DEFAULT_POLICY: PolicyDocument = {
  version: 1,
  rules: [
    {
      id: 'destructive-commands',
      type: 'prohibited_pattern',
      action: 'reject',
      description: 'Deleting trees of files, wiping disks, fork bombs, running a download in a shell',
      patterns: [...DELETES, ...DISKS, ...SHELLS],
    },
    {
      id: 'destructive-sql',
      type: 'prohibited_pattern',
      action: 'reject',
      description: 'Dropping or emptying tables and databases',
      patterns: SQL,
    },
    { id: 'resource-limits', type: 'resource_limit', action: 'reject', max_tokens: 2000, max_timeout_seconds: 3600 },
    { id: 'critical-needs-approval', type: 'safety_level', action: 'require_approval' },
  ],
};
