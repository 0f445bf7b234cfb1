*** Settings ***
Documentation       iperf3 between two image VMs. Their vhost interfaces are joined by a testpmd on
...                 this machine, which is nothing but the wire, and counts.
Resource            image_vm.resource
Suite Setup         Start Two Image VMs
Suite Teardown      Stop What Runs


*** Test Cases ***
Iperf3 Runs Between Two VMs
    ${addresses}=    Create List    192.168.7.1/24
    ${server}=    Run Iperf3 Server In VM    server    addresses=${addresses}
    Should Be Equal    ${server}[interfaces][0][address]    192.168.7.1/24
    ${result}=    Run Iperf3 Client In VM    client    192.168.7.1    duration=3 seconds
    ...    interface=vhost1    address=192.168.7.2/24
    Log    ${{ round($result['bits_per_second'] / 1e6, 1) }} Mbit/s    console=True
    Should Be True    ${result}[received_bytes] > 100000
    ${host}=    Get Host Testpmd Stats
    ${guest}=    Get Iperf3 Server Stats    server
    Log    Wire: ${host}    console=True
    Log    Server: ${guest}[ports]    console=True
    Should Be True    ${guest}[ports][0][rx_bytes] > ${result}[received_bytes]
    Should Be True    ${host}[0][tx_bytes] > ${result}[received_bytes]
    Should Be True    ${host}[1][rx_bytes] > ${result}[received_bytes]

The Other Way Round
    ${result}=    Run Iperf3 Client In VM    client    192.168.7.1    duration=2 seconds
    ...    reverse=True
    Should Be True    ${result}[received_bytes] > 100000

Stopped It Does Not Answer
    Stop Iperf3 Server In VM    server
    Run Keyword And Expect Error    *iperf3: unable to connect*
    ...    Run Iperf3 Client In VM    client    192.168.7.1    duration=1 second
    Run Keyword And Expect Error    *does not run an iperf3 server*
    ...    Get Iperf3 Server Stats    server

A Port That Is Taken Fails With Iperf3's Own Words
    ${addresses}=    Create List    192.168.7.1/24
    Run Keyword And Expect Error    *iperf3: error*unable to start listener*
    ...    Run Iperf3 Server In VM    server    addresses=${addresses}    port=22


*** Keywords ***
Start Two Image VMs
    Make A Directory
    Set Up VMs
    Configure Vhost Interfaces    server    ${DIRECTORY}/1
    Configure Vhost Interfaces    client    ${DIRECTORY}/2
    Start Host Testpmd    ${DIRECTORY}/1    ${DIRECTORY}/2
    Host Testpmd Command    start
    Start Image VM    server    memory=512    qemu_id=9
    Start Image VM    client    memory=512    qemu_id=10
