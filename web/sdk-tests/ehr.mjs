// Medplum's client, as it comes, reads an appointment and whose it is.
// Arguments: the server's origin, an admin token, the appointment's id.
import assert from 'node:assert/strict';
import { MedplumClient } from '@medplum/core';

const [baseUrl, accessToken, id] = process.argv.slice(2);
const ehr = new MedplumClient({ baseUrl, fhirUrlPath: 'fhir/R4', accessToken, fetch });

const appointment = await ehr.readResource('Appointment', id);
assert.equal(appointment.resourceType, 'Appointment');
assert.equal(appointment.status, 'booked');
const actor = appointment.participant
	.map((one) => one.actor)
	.find((one) => one.reference.startsWith('Patient/'));
const patient = await ehr.readReference(actor);
assert.equal(patient.resourceType, 'Patient');
assert.equal(`Patient/${patient.id}`, actor.reference);

const found = await ehr.searchOne('Patient', { identifier: patient.identifier[0].value });
assert.equal(found.id, patient.id);
const mine = await ehr.searchResources('Appointment', { patient: actor.reference, status: 'booked' });
assert.deepEqual(
	mine.map((one) => one.id),
	[id],
);
let pages = 0;
for await (const page of ehr.searchResourcePages('Patient', { _count: '1' })) pages += page.length;
assert.ok(pages >= 2, `${pages} patients, page by page`);

await assert.rejects(
	ehr.readResource('Patient', 'nobody'),
	(error) => error.outcome.issue[0].code === 'not-found',
);
await assert.rejects(ehr.createResource({ resourceType: 'Patient' }));
process.stdout.write('ok: the appointment, its patient, and the pages of a search\n');
