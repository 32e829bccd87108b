#!/usr/bin/env node
/** The command `prefork`. */
import { begun } from './begun';
import { runCommand } from './command';

(begun()?.runCommand ?? runCommand)(process.argv.slice(2));
