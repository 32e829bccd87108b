/** The program of a template: the processes of test files are forked from it. */
import { begin } from './template';

begin();
