import { describe } from 'vitest';
import { archive } from './archive.ts';
import { checkpoints } from './checkpoints.ts';
import { checkpointsModel } from './checkpoints-model.ts';
import { closures } from './closures.ts';
import { commits } from './commits.ts';
import { documents } from './documents.ts';
import type { Driver } from './driver.ts';
import { due } from './due.ts';
import { exclusiveCommits } from './exclusive-commits.ts';
import { idempotency } from './idempotency.ts';
import { lanesAndCounts } from './lanes-and-counts.ts';
import { ledger } from './ledger.ts';
import { ledgerQueries } from './ledger-queries.ts';
import { listings } from './listings.ts';
import { moments } from './moments.ts';
import { pools } from './pools.ts';
import { positions } from './positions.ts';
import { queue } from './queue.ts';
import { records } from './records.ts';
import { remains } from './remains.ts';
import { removal } from './removal.ts';
import { reopening } from './reopening.ts';
import { retention } from './retention.ts';
import { severalKernels } from './several-kernels.ts';
import { sharedCheckpoints } from './shared-checkpoints.ts';
import { workers } from './workers.ts';

/** What every store must do, told as tests. One call enrols a driver. */
export function exerciseStore(name: string, driver: Driver): void {
  describe(name, () => {
    describe('commits', () => commits(driver));
    describe('records', () => records(driver));
    describe('the queue', () => queue(driver));
    describe('places in the queue', () => positions(driver));
    describe('lanes and counts', () => lanesAndCounts(driver));
    describe('pools', () => pools(driver));
    describe('dependents and descendants', () => closures(driver));
    describe('idempotency records', () => idempotency(driver));
    describe('workers', () => workers(driver));
    describe('documents', () => documents(driver));
    describe('what is due', () => due(driver));
    describe('listings', () => listings(driver));
    describe('the ledger', () => ledger(driver));
    describe('questions to the ledger', () => ledgerQueries(driver));
    describe('retention', () => retention(driver));
    describe('checkpoints', () => checkpoints(driver));
    describe('checkpoints against copies', () => checkpointsModel(driver));
    describe('removal', () => removal(driver));
    describe('what is left of removed tasks', () => remains(driver));
    describe('dumped and restored', () => archive(driver));
    describe('dumped while others go on', () => moments(driver));
    if (driver.join) describe('several kernels', () => severalKernels(driver));
    if (driver.join) describe('checkpoints of several kernels', () => sharedCheckpoints(driver));
    if (driver.join) describe('exclusive commits', () => exclusiveCommits(driver));
    if (driver.reopen) describe('closed and opened again', () => reopening(driver));
  });
}
