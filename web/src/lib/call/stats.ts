// The call's figures, for judging the connection, for tests, and for a support person at the console.
import type { Room } from 'livekit-client';
import type { Sample } from './quality.ts';
import type { Recorder } from './record.ts';

export interface PeerStats {
	identity: string;
	framesDecoded: number;
	frameWidth: number;
	frameHeight: number;
	videoBytes: number;
	totalAudioEnergy: number;
	audioBytes: number;
	audioSeconds: number;
}

export interface CallStats {
	peers: PeerStats[];
	sample: Sample;
}

type Report = Record<string, unknown>;

const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/** Reads every remote track once and the senders' feedback, and lets a recorder read along. */
export async function readStats(room: Room, recorder?: Recorder): Promise<CallStats> {
	const sample: Sample = { received: 0, lost: 0, sentLoss: null, roundTrip: null };
	const peers: PeerStats[] = [];
	for (const participant of room.remoteParticipants.values()) {
		const peer: PeerStats = {
			identity: participant.identity,
			framesDecoded: 0,
			frameWidth: 0,
			frameHeight: 0,
			videoBytes: 0,
			totalAudioEnergy: 0,
			audioBytes: 0,
			audioSeconds: 0,
		};
		for (const publication of participant.trackPublications.values()) {
			const report = await publication.track?.getRTCStatsReport();
			report?.forEach((entry: Report) => {
				recorder?.read(entry, (id) => report.get(id));
				if (entry.type !== 'inbound-rtp') return;
				sample.received += number(entry.packetsReceived);
				sample.lost += Math.max(0, number(entry.packetsLost));
				if (entry.kind === 'video') {
					peer.framesDecoded += number(entry.framesDecoded);
					peer.frameWidth = number(entry.frameWidth);
					peer.frameHeight = number(entry.frameHeight);
					peer.videoBytes += number(entry.bytesReceived);
				} else {
					peer.totalAudioEnergy += number(entry.totalAudioEnergy);
					peer.audioBytes += number(entry.bytesReceived);
					peer.audioSeconds += number(entry.totalSamplesDuration);
				}
			});
		}
		peers.push(peer);
	}
	for (const publication of room.localParticipant.trackPublications.values()) {
		const report = await publication.track?.getRTCStatsReport();
		report?.forEach((entry: Report) => {
			recorder?.read(entry, (id) => report.get(id));
			if (entry.type !== 'remote-inbound-rtp') return;
			sample.sentLoss = Math.max(sample.sentLoss ?? 0, number(entry.fractionLost));
			sample.roundTrip = Math.max(sample.roundTrip ?? 0, number(entry.roundTripTime));
		});
	}
	return { peers, sample };
}
