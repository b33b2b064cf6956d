/**
 * Rules that bear clients which fail or lie, each within a bound that its page states.
 */
package io.fedlearn.aggregators.robust;
