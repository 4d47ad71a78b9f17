import { stopWithParent } from '../local/parent.ts';

stopWithParent(); // a test that hangs must not outlive a runner that was killed, nor must the product it started
