#!/usr/bin/env node
/** The command `prefork`. */
import { runCommand } from './command';

runCommand(process.argv.slice(2));
