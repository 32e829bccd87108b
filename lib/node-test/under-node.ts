/**
 * What `prefork test` has Node require in the process of `node --test`. Node hands that option on to the processes of files,
 * too; they are not to see it.
 */
import { CHOICES, type Choices } from './choices';
import { everywhere, Run } from './runs';

const { [CHOICES]: choices } = process.env;
delete process.env[CHOICES];
if (choices !== undefined) {
  const { preload } = JSON.parse(choices) as Choices;
  everywhere(new Run({ preload, argv: [], hidden: `--require=${__filename}` }));
}
