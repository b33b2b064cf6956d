/** The LUNA16 challenge's folder: scans, nodules, candidates, what is wrong with them, and which hospital has which. */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.dataset;
