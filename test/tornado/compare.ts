/** Runs scenarios in Tornado and in this port: what can be told of them from outside must be the same. */
import { describe, expect, test } from 'vitest';
import { type Outcome, oracleVersion, PYTHON, play, type Scenario } from '../helpers/oracle';

const version = oracleVersion();
if (version === null) {
  console.warn(
    `\n!!! NO ORACLE: ${PYTHON} has no tornado (Debian: python3-tornado). Nothing is compared. !!!\n`,
  );
}

function expectOutcome(actual: Outcome, wanted: NonNullable<Scenario['says']>, who: string): void {
  for (const [name, value] of Object.entries(wanted) as [keyof Outcome, string | number | RegExp][]) {
    if (value instanceof RegExp) expect(String(actual[name]), `${who}: ${name}`).toMatch(value);
    else expect(actual[name], `${who}: ${name}`).toBe(value);
  }
}

export function compare(groups: Record<string, Scenario[]>): void {
  for (const [group, scenarios] of Object.entries(groups)) {
    describe.skipIf(version === null)(
      `Tornado ${version} and this port: ${group}`,
      { timeout: 90_000 },
      () => {
        test.concurrent.each(scenarios)('$name', async (scenario) => {
          const tornado = await play('python', scenario);
          expectOutcome(tornado, scenario.says ?? {}, 'Tornado');
          const ours = await play('node', scenario);
          expect(ours).toEqual({ ...tornado, ...scenario.instead });
        });
      },
    );
  }
}
