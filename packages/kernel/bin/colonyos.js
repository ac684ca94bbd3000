#!/usr/bin/env node
// Plain JavaScript that any Node can read: it must be able to say that this Node is too old.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`colonyos: Node.js 22.19 or later is needed, and this is ${process.versions.node}`);
  process.exit(1);
}
const { run } = await import('../dist/cli/index.js');
await run(process.argv);
